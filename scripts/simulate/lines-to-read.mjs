/**
 * Which lines of a trace someone should read first: what the facts of a violation are about. It must never change a
 * line, or the order of the lines.
 */

/** How many lines of a kind say enough. */
const MANY = { told: 3, answers: 6, life: 12, steps: 4, messages: 4, writes: 5, leaders: 4, trouble: 4 };
const MOST_LINES = 60;
/** Facts with these words in their names are places in the log. */
const isPlace = /index|floor|newest|applied|commit|required|bound$/i;

/** What the facts are about: `{ clients, nodes, places, requests }`. A fact may be an object of facts. */
export function subjects(facts) {
  const entries = Object.entries(facts).flatMap(([name, value]) => {
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isGroup ? Object.entries(value) : [[name, value]];
  });
  const numbers = (isWanted) => [
    ...new Set(entries.flatMap(([name, value]) => (isWanted(name) && value > 0 ? [Number(value)] : []))),
  ];
  return {
    clients: numbers((name) => name === 'client'),
    nodes: [...new Set(JSON.stringify(facts).match(/\bn\d+\b/g) ?? [])],
    places: numbers((name) => isPlace.test(name)),
    requests: numbers((name) => name === 'boundRequest'),
  };
}

/** The positions of the lines, in order. Empty when `about` names nothing that a line could speak of. */
export function linesToRead(lines, about) {
  const nodes = new Set(about.nodes);
  const chosen = new Set();
  const all = (pattern) => lines.flatMap((line, position) => (pattern.test(line) ? [position] : []));
  const last = (count, pattern) => all(pattern).slice(-count);
  const choose = (positions) => {
    for (const position of positions) chosen.add(position);
  };
  for (const client of about.clients) {
    const own = all(new RegExp(`^\\S+ client ${client} `));
    choose(own);
    const text = own.map((position) => lines[position]).join('\n');
    // What a client says of its call ends its line: ` at n1 (local)`.
    for (const [, node] of text.matchAll(/ (?:at|of|by|from) (n\d+)\b/g)) nodes.add(node);
    for (const [, key] of text.matchAll(/ (?:reads|writes) (\S+)/g)) {
      choose(
        last(MANY.writes, new RegExp(`^\\S+ client .* writes ${literally(key)} `)).flatMap((at) =>
          all(whose(lines[at])),
        ),
      );
    }
  }
  for (const place of about.places) choose(last(MANY.told, new RegExp(`^\\S+ client .* (index|bound) ${place}\\b`)));
  for (const request of about.requests)
    choose(last(MANY.messages, new RegExp(`\\b(bound request |request=)${request}\\b`)));
  const leaders = last(MANY.leaders, / n\d+ leads term /);
  choose(leaders);
  for (const position of leaders) {
    const [, leader] = / (n\d+) leads/.exec(lines[position]);
    choose(last(MANY.trouble, new RegExp(` ${leader} (pause|resume|crash|start)|strikes .*\\b${leader}\\b`)));
  }
  for (const node of nodes) {
    choose(last(MANY.answers, new RegExp(`^\\S+ client .* (of|by|from) ${node}\\b`)));
    const life = 'start|open|leads|recovered|crash|stop|exit|pause|resume|blocked|clock|campaign|transfer|log:';
    const own = `${node} (${life})`;
    const trouble = `.* strikes ${node}\\b|(partition|hold|reset|heal) .*\\b${node}\\b`;
    choose(last(MANY.life, new RegExp(`^\\S+ (${own}|${trouble})`)));
    choose(last(MANY.steps, new RegExp(`^\\S+ ${node} (persist|applied) `)));
    choose(last(MANY.messages, new RegExp(`^\\S+ ${node} (sends|gets) `)));
  }
  return [...chosen].sort((a, b) => a - b).slice(-MOST_LINES);
}

/** Every line of the client that this line speaks of. */
function whose(line) {
  return new RegExp(`^\\S+ client ${/ client (\d+)/.exec(line)[1]} `);
}

function literally(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
