/** Stands in for codecs that an atlas does not use: they would bring a megabyte of wasm into the page. */

export default class CodecStub {
  static fromConfig(): never {
    throw new Error("its compression is not supported; expected gzip");
  }
}
