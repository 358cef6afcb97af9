"""A scripted server that speaks OpenAI's protocol, and misbehaves in every way."""

from typing import Any

import orjson

from tests.support.model import Conversation, Script, ScriptedModel

KEY = "sk-synthetic-0123456789abcdef"
MODEL = "scripted-1"


class LLMServer(ScriptedModel):
    """Takes one turn after the other; the last one again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[Script] = []
        self.script = self._take

    def say(self, *turns: str | Script) -> None:
        """What it does next: a text is the answer of a completion."""
        self.turns = [completes(turn) if isinstance(turn, str) else turn for turn in turns]

    def asked(self) -> list[dict[str, Any]]:
        """The bodies of all requests."""
        return [orjson.loads(request.body) for request in self.requests]

    def prompt(self, number: int = -1) -> str:
        """All messages of a request in one text."""
        return "\n".join(message["content"] for message in self.asked()[number]["messages"])

    def agents(self) -> list[str]:
        """Which agent sent each request."""
        begins = [body["messages"][0]["content"].split(".")[0] for body in self.asked()]
        return [next(name for words, name in _AGENTS.items() if words in begin) for begin in begins]

    def _take(self, conversation: Conversation) -> None:
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        turn(conversation)


def completes(text: str | None, *, tokens_in: int = 120, tokens_out: int = 8, reason: str = "stop") -> Script:
    """A completion."""
    answer = {
        "id": "c-1",
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    }
    return sends(orjson.dumps(answer))


def sends(body: bytes, kind: str = "application/json") -> Script:
    """A body with the status 200."""
    return lambda conversation: conversation.answer(body, head=f"Content-Type: {kind}\r\n".encode())


def fails(status: str, message: str = "no", *, code: str = "", param: str = "", head: str = "") -> Script:
    """An error in OpenAI's form. `$AUTHORIZATION` in the message becomes what the caller sent."""

    def script(conversation: Conversation) -> None:
        said = message.replace("$AUTHORIZATION", conversation.fields.get("authorization", ""))
        body = orjson.dumps({"error": {"message": said, "type": "error", "param": param or None, "code": code or None}})
        conversation.answer(body, status=status, head=f"Content-Type: application/json\r\n{head}".encode())

    return script


def refuses_parameter(name: str, then: str) -> Script:
    """An error for every request with this parameter; else a completion."""

    def script(conversation: Conversation) -> None:
        has_it = name in orjson.loads(conversation.body)
        (fails("400 Bad Request", f"Unknown {name}", param=name) if has_it else completes(then))(conversation)

    return script


def echoes_key(conversation: Conversation) -> None:
    """A statement with the caller's key."""
    completes(f"SELECT '{conversation.fields['authorization']}' AS leak")(conversation)


def resets(conversation: Conversation) -> None:
    """Closes the connection without an answer."""
    conversation.sock.close()


def breaks_off(conversation: Conversation) -> None:
    """Ends within the body."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    conversation.send(head + b'10\r\n{"id": "c-1", "c')
    conversation.sock.close()


def stalls(server: LLMServer) -> Script:
    """Never answers."""

    def script(_: Conversation) -> None:
        server.gone.wait()

    return script


def drips(server: LLMServer) -> Script:
    """Sends a byte at a time, for ever."""

    def script(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while not server.gone.wait(0.05):
            conversation.send(b" ")

    return script


_AGENTS = {
    "You choose the tables": "table_selector",
    "You write SQL": "query_generator",
    "You summarize the result": "result_summarizer",
}
