/**
 * A disk that was emptied must never vote: node 2's directory is wiped while node 3 is down. No election may happen,
 * and node 2 ends with a sentence that says what to do. A node of another cluster with the same names is refused,
 * too.
 */
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = { watchSeconds: 5 };

const SENTENCE = 'n2 is known with another disk; remove it and join under a new name';

export async function run(options: typeof defaults, { progress }: ScenarioContext) {
  await using cluster = await ServerCluster.start();
  const [n1, n2, n3] = ['n1', 'n2', 'n3'].map((id) => cluster.node(id)) as [
    ServerProcess,
    ServerProcess,
    ServerProcess,
  ];
  const written = (await n1.put('kept', 'value')).status === 200;

  progress('node 3 goes down, node 2 loses its disk');
  await n3.kill();
  await n2.kill();
  const termBefore = Number((await n1.status())?.term);
  rmSync(n2.dataDir, { recursive: true });
  n2.start();
  const exitCode = await n2.exited();
  const saidSo = n2.log.includes(SENTENCE);
  let leaderSeen = false;
  for (let i = 0; i < options.watchSeconds * 10; i++) {
    const status = await n1.status();
    // A leader that lost its quorum may still think that it leads until its next check.
    leaderSeen ||= Number(status?.term) > termBefore || (i > 30 && status?.leader !== null);
    await pause(100);
  }

  progress('node 3 comes back: the two that are left serve on');
  n3.start();
  await n3.ready();
  const served = (await n3.get('kept')).body.toString() === 'value';

  progress('a node of another cluster with the same names comes by');
  const stranger = await strangerIsRefused(cluster);
  closeConnections();
  const ok =
    written && exitCode === 1 && saidSo && !leaderSeen && served && stranger.refused && stranger.clusterUntouched;
  return { ok, exitCode, saidSo, electionHappened: leaderSeen, served, stranger, lastWords: n2.log.slice(-400) };
}

/** Another cluster is formed, and its n2 is then started at the addresses of this one. */
async function strangerIsRefused(cluster: ServerCluster) {
  await using other = await ServerCluster.start({ cluster: 'staging' });
  await Promise.all(other.nodes.map((node) => node.stop()));
  const n2 = cluster.node('n2');
  const refusals = () => [...cluster.nodes].map((node) => node.log.split('another cluster').length - 1);
  const before = refusals();
  const stranger = n2.inDirectory(other.node('n2').dataDir, 'staging');
  stranger.start();
  try {
    const refused = await eventually('the stranger to be refused', () =>
      refusals().some((count, i) => count > (before[i] as number)),
    );
    const put = await cluster.node('n1').put('kept', 'still');
    const seen = await cluster.node('n3').get('kept');
    return { refused, clusterUntouched: put.status === 200 && seen.body.toString() === 'still' };
  } finally {
    await stranger.kill();
  }
}
