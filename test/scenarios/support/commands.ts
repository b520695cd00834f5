/**
 * The commands of the scenarios, one function each: those of etcd-io/raft's interaction files where the core has the
 * feature, and those for reads, links and processes. `docs/internals/read-index-suite.md` describes them.
 */
import { addNodes } from './add-nodes.js';
import { type Arguments, numberOf } from './arguments.js';
import { type Environment, indent } from './environment.js';
import { describeMessage } from './message-text.js';
import { NOW, type ScenarioNode, stateName } from './scenario-node.js';

type Lines = readonly string[];

interface Context {
  readonly env: Environment;
  readonly args: Arguments;
}

type Command = (context: Context) => Lines;

const NOTHING: Lines = [];

/** With several nodes named, the output of each is under a heading. */
function perNode({ env, args }: Context, what: string, act: (node: ScenarioNode) => Lines): Lines {
  const nodes = env.select(args.words());
  if (nodes.length === 1) return act(nodes[0] as ScenarioNode);
  return nodes.flatMap((node) => [`> ${node.id} ${what}`, ...indent(act(node))]);
}

function tick({ env, args }: Context, ticks: (node: ScenarioNode) => number): Lines {
  const node = env.node(args.word());
  for (let left = ticks(node); left > 0; left--) node.raw.tick(NOW);
  return NOTHING;
}

/** Commands that move time, elections, writes and leadership. */
const RAFT: Record<string, Command> = {
  'add-nodes': ({ env, args }) => addNodes(env, args),
  campaign: ({ env, args }) => {
    env.node(args.word()).raw.campaign(NOW);
    return NOTHING;
  },
  propose: ({ env, args }) => {
    const node = env.node(args.word());
    node.propose(args.words(), args.numberOf('if-term'));
    return NOTHING;
  },
  tick: (context) => tick(context, () => context.args.number()),
  'tick-election': (context) => tick(context, ({ options }) => options.limits.electionTicks),
  'tick-heartbeat': (context) => tick(context, ({ options }) => options.limits.heartbeatTicks),
  'set-randomized-election-timeout': ({ env, args }) => {
    env.node(args.word()).drawElectionTimeout(numberOf(args.value('timeout')));
    return NOTHING;
  },
  'transfer-leadership': ({ env, args }) => {
    const [from, to] = [env.node(args.value('from')), env.node(args.value('to'))];
    from.raw.transferLeadership(to.id, NOW);
    return NOTHING;
  },
  'report-unreachable': ({ env, args }) => {
    env.node(args.word()).raw.unreachable(env.node(args.word()).id);
    return NOTHING;
  },
};

/** Commands that let a node, its disk or its state machine go on. */
const PROCESS: Record<string, Command> = {
  'process-ready': (context) =>
    perNode(context, 'handling Ready', (node) => (node.raw.hasReady() ? node.processReady() : ['<empty Ready>'])),
  'process-append-thread': (context) => {
    const steps = context.args.numberOf('steps') ?? 1;
    return perNode(context, 'processing append thread', (node) =>
      node.hasAppendWork ? node.processAppendThread(steps) : ['no append work to perform'],
    );
  },
  'process-apply-thread': (context) =>
    perNode(context, 'processing apply thread', (node) =>
      node.hasApplyWork ? node.processApplyThread() : ['no apply work to perform'],
    ),
  compact: ({ env, args }) => {
    env.node(args.word()).compact(args.number());
    return NOTHING;
  },
  install: ({ env, args }) => [env.node(args.word()).install() ? 'replaces the log' : 'not needed any more'],
  stabilize: ({ env, args }) => {
    const [level] = args.list('log-level');
    const lines = env.stabilize(env.select(args.words()));
    return level === 'none' ? NOTHING : lines;
  },
  pause: ({ env, args }) => {
    env.node(args.word()).paused = true;
    return NOTHING;
  },
  resume: ({ env, args }) => {
    env.node(args.word()).paused = false;
    return NOTHING;
  },
  crash: ({ env, args }) => {
    env.node(args.word()).crash();
    return NOTHING;
  },
  restart: ({ env, args }) => {
    env.node(args.word()).start();
    return NOTHING;
  },
};

/** Commands about the messages under way. */
const NETWORK: Record<string, Command> = {
  'deliver-msgs': ({ env, args }) => {
    const type = args.messageType();
    const dropped = env.drop(
      args.list('drop').map((id) => env.node(id)),
      type,
    );
    const delivered = env.deliver(
      args.words().map((id) => env.node(id)),
      type,
    );
    const lines = [...dropped, ...delivered];
    return lines.length > 0 ? lines : ['no messages'];
  },
  hold: ({ env, args }) => {
    env.network.hold(args.route());
    return NOTHING;
  },
  unhold: ({ env }) => {
    env.network.unhold();
    return NOTHING;
  },
  release: ({ env, args }) => orNone(env.network.release(args.route({ mayBeAll: true })).map(describeMessage)),
  duplicate: ({ env, args }) => orNone(env.network.duplicate(args.route()).map(describeMessage)),
  isolate: ({ env, args }) => {
    env.network.isolate(args.words().map((id) => env.node(id).id));
    return NOTHING;
  },
  heal: ({ env }) => {
    env.network.heal();
    return NOTHING;
  },
};

function orNone(lines: Lines): Lines {
  return lines.length > 0 ? lines : ['no messages'];
}

const READS: Record<string, Command> = {
  'read-index': ({ env, args }) => {
    const { raw } = env.node(args.word());
    for (const read of args.words()) raw.readIndex(numberOf(read), NOW);
    return NOTHING;
  },
  'cancel-read': ({ env, args }) => {
    env.node(args.word()).raw.cancelRead(args.number());
    return NOTHING;
  },
  'read-states': (context) =>
    perNode(context, 'reads', (node) => {
      const reads = node.takeReads();
      return reads.length > 0 ? reads : ['no read has ended'];
    }),
};

const VIEWS: Record<string, Command> = {
  'log-level': ({ env, args }) => {
    env.quiet = args.word() === 'none';
    return NOTHING;
  },
  'raft-log': (context) => perNode(context, 'log', (node) => orEmpty(node.durableLog())),
  'raft-state': ({ env, args }) => env.select(args.words()).map(raftState),
  status: ({ env, args }) => {
    const { view } = env.node(args.word());
    if (view === null) return ['down'];
    const { commit, applied, lastIndex, rounds, followers } = view.status();
    const lines = followers.map(({ id, state, matchIndex, nextIndex, recentlyActive }) => {
      const name = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' }[state];
      return `${id}: ${name} match=${matchIndex} next=${nextIndex}${recentlyActive ? '' : ' inactive'}`;
    });
    return [`Commit:${commit} Applied:${applied} Last:${lastIndex} Rounds:${rounds}`, ...lines];
  },
};

function orEmpty(lines: Lines): Lines {
  return lines.length > 0 ? lines : ['log is empty'];
}

/** `1: StateLeader (Voter) Term:1 Lead:1`. */
function raftState({ id, view, paused, options }: ScenarioNode): string {
  if (view === null) return `${id}: down`;
  const { voters, outgoing } = options.configuration;
  const member = voters.includes(id) || outgoing.includes(id) ? 'Voter' : 'Non-Voter';
  const { role, term, leader } = view;
  return `${id}: ${stateName(role)} (${member}) Term:${term} Lead:${leader ?? 0}${paused ? ' paused' : ''}`;
}

export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({ ...RAFT, ...PROCESS, ...NETWORK, ...READS, ...VIEWS }),
);
