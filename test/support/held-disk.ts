/** A real disk whose durable writes, which are those of the log, can be held back. What is not durable goes on. */
import type { DiskFile } from '../../packages/quorate/src/node/storage/disk.js';
import { NodeDisk } from '../../packages/quorate/src/node/storage/node-disk.js';

export class HeldDisk extends NodeDisk {
  #release: (() => void) | null = null;
  #held: Promise<void> | null = null;
  /** Durable writes that have ended while the disk was not held. */
  written = 0;

  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#release?.();
    this.#held = null;
  }

  override async open(path: string, mode: 'create' | 'open' | 'read'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    const write = file.writeDurably.bind(file);
    file.writeDurably = async (data, position) => {
      await this.#held;
      await write(data, position);
      this.written += 1;
    };
    return file;
  }
}
