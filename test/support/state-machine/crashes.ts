/**
 * What a process leaves behind that is killed in the middle: its files as they are at each step, copied aside. LMDB
 * writes them without syncs, so what another process would see is what the system has been given. It must never copy a
 * lock: its holder, this process, lives on.
 */
import { cpSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DiskFile } from '../../../packages/quorate/src/node/storage/disk.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';

/** Copies the state as a crash at this moment would leave it. */
export function leaveAsIs(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !/^lock-/.test(basename(path)) });
}

/** A disk that copies everything aside before and after each change. */
export class CrashRecorder {
  readonly disk: NodeDisk;
  readonly copies: { readonly step: string; readonly path: string; readonly replaced: boolean }[] = [];
  readonly #from: string;
  readonly #to: string;
  #recording = false;
  #replaced = false;

  constructor(from: string, to: string) {
    this.#from = from;
    this.#to = to;
    this.disk = new RecordingDisk((step) => this.record(step));
  }

  start(): void {
    this.#recording = true;
  }

  record(step: string): void {
    if (!this.#recording) return;
    const path = join(this.#to, String(this.copies.length));
    leaveAsIs(this.#from, path);
    this.copies.push({ step, path, replaced: this.#replaced });
  }

  readonly renameSync = (from: string, to: string): void => {
    this.record('before the new state is taken');
    renameSync(from, to);
    this.#replaced = true;
    this.record('after the new state is taken');
  };
}

class RecordingDisk extends NodeDisk {
  readonly #record: (step: string) => void;

  constructor(record: (step: string) => void) {
    super();
    this.#record = record;
  }

  override async open(path: string, mode: 'create' | 'open' | 'read'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    const record = (step: string) => this.#record(`${step} ${basename(path)}`);
    record('opened');
    const { write, sync } = file;
    file.write = async (...args) => {
      await write.apply(file, args);
      record('wrote');
    };
    file.sync = async () => {
      await sync.apply(file);
      record('synced');
    };
    return file;
  }

  override async rename(from: string, to: string): Promise<void> {
    this.#record(`before the rename of ${basename(from)}`);
    await super.rename(from, to);
    this.#record(`after the rename of ${basename(from)}`);
  }

  override async remove(path: string): Promise<void> {
    await super.remove(path);
    this.#record(`removed ${basename(path)}`);
  }

  override async syncDirectory(path: string): Promise<void> {
    await super.syncDirectory(path);
    this.#record('synced the directory');
  }
}
