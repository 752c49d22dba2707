/** Replaces codecs that an atlas does not use, which would add a megabyte of wasm to the page. */

export default class CodecStub {
  static fromConfig(): never {
    throw new Error("its compression is not supported; expected gzip");
  }
}
