/** What the words of a trace mean, for someone who has never seen one. It must never explain what is not there. */
import { words } from './plan-text.mjs';

/** `pattern` finds the lines, without their time, in which `words` occur. */
export const ENTRIES = [
  { pattern: /\bindex|\bbound \d/, words: 'index', means: 'the place of a write in the log that all nodes share' },
  {
    pattern: /^client \d+.* writes /,
    words: 'client 7 writes … at n1',
    means: 'operation 7 begins: a call at node n1',
  },
  { pattern: /^client \d+.* reads /, words: 'client 8 reads … at n1 (…)', means: 'a read begins, at the level named' },
  { pattern: / read .* = .* at index /, words: 'read … = … at index 9 of n1', means: 'answered by n1, as of write 9' },
  { pattern: / asks for a bound| the bound \d/, words: 'bound', means: 'the index that a read has to reach first' },
  {
    pattern: / did not read | has no bound /,
    words: 'did not read, has no bound',
    means: 'refused, for the reason named',
  },
  { pattern: / not-applied /, words: 'not-applied', means: 'the client is told that its write never happens' },
  { pattern: / unknown /, words: 'unknown', means: 'the client is told that its write may happen or not' },
  { pattern: / term=\d/, words: 'term', means: 'counts elections; each term has one leader at most' },
  { pattern: / round=\d/, words: 'round', means: 'counts how often a leader asks whether it still leads' },
  { pattern: / append-entries /, words: 'append-entries after=8/2', means: 'writes after index 8, which is of term 2' },
  { pattern: / request-(pre-)?vote/, words: 'request-vote', means: 'a node wants to lead; pre-vote: asks if it could' },
  { pattern: / read-index-/, words: 'read-index', means: 'a node asks the leader for a bound' },
  { pattern: /^n\d+ (sends .*)?propose /, words: 'propose', means: 'a write on its way to the leader' },
  { pattern: /^n\d+ bound request /, words: 'bound request 5', means: 'begins; with an index: is given; else refused' },
  { pattern: /^n\d+ persist /, words: 'persist 5', means: 'the log gives its step 5 to the disk' },
  { pattern: /^n\d+ applied /, words: 'applied 9', means: 'readers of this node see the writes up to index 9' },
  { pattern: /^n\d+ (start|open)\b/, words: 'start, open', means: 'a process starts; it is ready to be asked' },
  { pattern: /^n\d+ leads /, words: 'leads term 3', means: 'the node has won the election of term 3' },
  {
    pattern: /^n\d+ recovered /,
    words: 'recovered',
    means: 'a process has read its log; lost: its steps that are gone',
  },
  { pattern: /^n\d+ crash killed/, words: 'crash killed', means: 'the process dies, and its disk has all it wrote' },
  { pattern: /^n\d+ crash lost/, words: 'crash lost', means: 'the machine dies; what was not synced is gone' },
  { pattern: /^n\d+ crash kept/, words: 'crash kept', means: 'the machine dies; what was not synced is kept' },
  {
    pattern: /^n\d+ crash torn/,
    words: 'crash torn',
    means: 'the machine dies; of what was not synced a part is kept',
  },
  { pattern: /^n\d+ exit /, words: 'exit', means: 'the process ends by itself, for the reason named' },
  { pattern: /^n\d+ pause/, words: 'pause', means: 'the process stands still, and its timers' },
  { pattern: /^n\d+ blocked /, words: 'blocked for', means: 'the process is busy for so long, and does nothing else' },
  {
    pattern: /^n\d+ clock /,
    words: 'clock skew',
    means: 'the wall clock of the node is wrong by so many ms from now on',
  },
  { pattern: /^n\d+ unreachable /, words: 'n1 unreachable n2', means: 'n1 is told that a message to n2 may be lost' },
  {
    pattern: / hears nothing /,
    words: 'hears nothing',
    means: 'the process that was asked died; the call has no outcome',
  },
  {
    pattern: /^strand strikes /,
    words: 'strand strikes n1,n2',
    means: 'left alone until the others have elected; then they hear late what was said',
  },
  {
    pattern: /^relapse strikes /,
    words: 'relapse strikes n1',
    means: 'it starts anew, dies soon after its first question, and the answers reach it when it asks again',
  },
  { pattern: /^power fails /, words: 'power fails', means: 'all machines die at once, and start again' },
  { pattern: / strikes /, words: 'strikes', means: 'the simulator makes this trouble for a node' },
  { pattern: /^partition /, words: 'partition n1>n2', means: 'no message from n1 reaches n2 for a while' },
  { pattern: /^hold /, words: 'hold n1>n2', means: 'messages from n1 to n2 are kept back, and delivered later' },
  { pattern: /^reset /, words: 'reset n1 n2', means: 'the connection breaks, with what is under way on it' },
  { pattern: /^heal /, words: 'heal n1,n2', means: 'no more trouble for these; they must serve again soon' },
];

/** What was found, by the name that it has in a violation. */
const FACTS = {
  appliedIndex: 'the index up to which the answer shows writes',
  boundRequest: 'the request for a bound, by its number on that node',
  committed: 'the newest index that is sure to stay',
  floor: 'the newest index that any client had been told of at the call',
  shownBefore: 'the newest index that this process had shown before',
  sessionIndex: 'the newest index that the session of the client had seen',
  tokenIndex: 'the index that the token given to the client asks for',
};

/** The lines of the legend for these facts, and for these lines of a trace. */
export function legend(facts, lines) {
  const texts = lines.map((line) => line.replace(/^\S+ /, ''));
  const used = [
    ...Object.entries(FACTS).flatMap(([name, means]) => (name in facts ? [{ words: words(name), means }] : [])),
    ...ENTRIES.filter(({ pattern }) => texts.some((text) => pattern.test(text))),
  ];
  const width = Math.max(0, ...used.map((entry) => entry.words.length));
  return used.map((entry) => `${entry.words.padEnd(width)}  ${entry.means}`);
}
