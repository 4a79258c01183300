"use strict";
// One WebSocket that stays, and replies under way on it by the number of their request.

class Line {
  #socket = null;
  #address = "";
  #ready = null;
  waiting = new Map();
  last = 0;

  // greet(socket, first): called at open and with each frame until it calls first(); none: ready when open.
  constructor(path, { protocol, greet, take, fields = {} }) {
    Object.assign(this, { path, protocol, greet, take, fields });
  }

  ready() {
    const address = Lab.api(`ws://${location.host}${this.path}`, this.fields);
    if (this.#socket?.readyState <= WebSocket.OPEN && address === this.#address) return this.#ready;
    this.#socket?.close();
    this.#address = address;
    const socket = new WebSocket(address, this.protocol ?? []);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#ready = new Promise((resolve, reject) => {
      let greeted = !this.greet;
      const first = () => {
        greeted = true;
        resolve(socket);
      };
      socket.onopen = () => (this.greet ? this.greet(socket, null, first) : resolve(socket));
      socket.onmessage = ({ data }) => {
        const text = typeof data === "string" ? data : new TextDecoder().decode(data);
        if (greeted) this.take(text, socket);
        else this.greet(socket, text, first);
      };
      socket.onclose = () => {
        reject(new Lab.Failure("lost"));
        if (socket !== this.#socket) return;
        for (const { reject: lose } of this.waiting.values()) lose(new Lab.Failure("lost"));
        this.waiting.clear();
      };
    });
    return this.#ready;
  }

  // Send what frame(number) gives; resolves when end(number) is called. A stopped reply is no longer waited for.
  async ask(frame, reply) {
    const socket = await this.ready();
    const number = ++this.last;
    await new Promise((resolve, reject) => {
      this.waiting.set(number, { reply, resolve, reject });
      reply.signal.addEventListener("abort", resolve);
      socket.send(frame(number));
    });
  }

  close() {
    this.#socket?.close();
  }

  piece(number, piece) {
    const { reply } = this.waiting.get(Number(number)) ?? {};
    if (piece.provider) reply?.provider(piece.provider);
    if (piece.token ?? piece.text) reply?.token(piece.token ?? piece.text);
  }

  end(number, status = null) {
    const found = this.waiting.get(Number(number));
    this.waiting.delete(Number(number));
    if (status) found?.reject(new Lab.Failure(status));
    else found?.resolve();
  }
}
