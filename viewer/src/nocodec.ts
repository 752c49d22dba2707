/** In place of codecs that an atlas does not use: they would bring a megabyte of wasm into the page. */

export default class NoCodec {
  static fromConfig(): never {
    throw new Error("The atlas is compressed in a way that this page does not read; it reads gzip.");
  }
}
