/**
 * What a formation is, and whom a member of it accepts. Pure: no I/O. It must never let two nodes talk that do not have
 * the same formation, each with the disk that the formation names.
 *
 * Why two formations can never vote together. A formation completes in different nodes at different moments, and a disk
 * may be emptied in between, so that two nodes can end up with different ones. Then:
 *  (1) A data directory has one incarnation for life and stores at most one formation, durably, before its node votes,
 *      campaigns or acknowledges (an unformed node is accepted by nobody). So each (name, incarnation) acts in one
 *      formation.
 *  (2) The cluster id is a hash over the cluster's name, all (name, incarnation) and the snapshot that all of them were
 *      restored from, if they were, so two formations with the same id are the same formation, with the same history,
 *      and the ids of different ones differ.
 *  (3) Messages flow between two nodes only if both have the same cluster id and each is, with its incarnation, a
 *      member of the other's formation ({@link acceptPeer}, asked on both sides of every connection).
 * So every vote and acknowledgement that a leader counts comes from a disk that stored the leader's own formation, and
 * no disk counts in two. At any moment a name has one disk, hence at most one formation can have a quorum of the names
 * behind it. A node that is left with the other formation is refused by all, says so, and has to be removed. The same
 * holds for hellos that arrive late: they can lead to a formation that nobody else has, never to one in which the wrong
 * disk votes.
 */
import { type Formation, type Hello, knownWithAnotherDisk, memberNamed } from './identity.js';

/**
 * The rule by which a formed node admits another to the exchange of messages: the same formation, and a member of it
 * with the disk it has now. Returns why not, one sentence, or null. Both sides ask it, so each is checked by the other.
 */
export function acceptPeer(own: Hello, peer: Hello): string | null {
  if (own.formation === null) return `${own.id} has not completed its formation`;
  const member = memberNamed(own.formation, peer.id);
  if (peer.formation !== null && peer.formation.clusterId !== own.formation.clusterId) {
    return (
      `${peer.id} belongs to another cluster: ${described(peer.formation)}, ` +
      `${own.id} to ${described(own.formation)}`
    );
  }
  if (member === undefined) return `${peer.id} is not a member of the cluster of ${own.id}`;
  if (member.incarnation !== peer.incarnation) return knownWithAnotherDisk(peer.id);
  if (peer.formation === null) return `${peer.id} has not completed its formation`;
  return null;
}

function described({ cluster, clusterId }: Formation): string {
  return `${JSON.stringify(cluster)} with id ${clusterId.slice(0, 12)}`;
}
