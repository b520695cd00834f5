/**
 * Makes what a core has handed out unchangeable: a later change of it would reach other nodes by magic, and no test
 * would see it. It must freeze whatever a core could still hold, and nothing that the receiver owns.
 */
import type { Message, Ready } from '../../core/index.js';

/** Freezes the lists, messages, entries and the hard state of a Ready, and returns it. */
export function freezeReady(ready: Ready): Ready {
  const freezeEntries = (entries: readonly object[]) => {
    for (const entry of entries) Object.freeze(entry);
    Object.freeze(entries);
  };
  const freezeMessages = (messages: readonly Message[]) => {
    for (const message of messages) {
      if (message.type === 'append-entries') freezeEntries(message.entries);
      if (message.type === 'propose') freezeEntries(message.proposals);
      if (message.type === 'propose-rejected') freezeEntries(message.ids);
      Object.freeze(message);
    }
    Object.freeze(messages);
  };
  freezeMessages(ready.messages);
  if (ready.persist !== null) {
    freezeEntries(ready.persist.entries);
    freezeMessages(ready.persist.messages);
    Object.freeze(ready.persist.hardState);
  }
  freezeEntries(ready.committed);
  return ready;
}
