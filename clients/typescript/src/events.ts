/** One server-sent event. */
export interface ServerEvent {
  name: string;
  data: string;
}

/** The events of a response's body, as the HTML standard reads them. Comments and unfinished events are left out. */
export async function* serverEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let name = "";
  let data: string[] = [];
  for await (const line of lines(body)) {
    if (line === "") {
      if (data.length > 0) yield { name: name || "message", data: data.join("\n") };
      name = "";
      data = [];
      continue;
    }
    const [field, value] = split(line);
    if (field === "event") name = value;
    if (field === "data") data.push(value);
  }
}

function split(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value];
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = rest + decoder.decode(value, { stream: true });
      const held = text.endsWith("\r") ? text.length - 1 : text.length; // its line feed may be in the next piece
      const pieces = text.slice(0, held).split(/\r\n|\n|\r/);
      rest = (pieces.pop() ?? "") + text.slice(held);
      yield* pieces;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // the reader left early, or the connection is gone
  }
}
