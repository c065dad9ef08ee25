"""A chat-completions service on 127.0.0.1 that misbehaves as public threads describe. Standard library only.

    python bad_service.py PORT BEHAVIOUR

Translations themselves are right (a small table, else one fixed Portuguese sentence), so that every line must arrive.
"""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PT = {
    "good morning.": "Bom dia.",
    "she is a doctor.": "Ela é médica.",
    "see you tomorrow.": "Até amanhã.",
    "where is my coat?": "Onde está o meu casaco?",
    "i have no time for this.": "Não tenho tempo para isto.",
}


def translated(messages):
    first = next(m["content"] for m in messages if m["role"] in ("user",))
    say = lambda text: PT.get(text.strip().lower(), "Não sei o que dizer sobre isso.")
    lines = re.findall(r"^\[(\d+)\] (.*)$", first, re.MULTILINE)
    if lines:
        return "\n".join(f"[{n}] {say(text)}" for n, text in lines)
    parts = re.split(r"^-----$", first, flags=re.MULTILINE)
    return say(parts[1]) if len(parts) > 2 else say(first)


def completion(content, **message):
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def error(message, **more):
    return {"error": {"message": message, **more}}


class Handler(BaseHTTPRequestHandler):
    behaviour, calls = "ok", 0
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Handler.calls += 1
        status, value = self.answer(body, [m["role"] for m in body["messages"]])
        if isinstance(value, bytes):
            return self.send(status, value, "text/event-stream")
        self.send(status, json.dumps(value).encode(), "application/json")

    def answer(self, body, roles):
        good = translated(body["messages"])
        match self.behaviour:
            case "content_list":  # Mistral with reasoning: content is a list of chunks
                thought = {
                    "type": "thinking",
                    "thinking": [{"type": "text", "text": "Okay, the user wants [1]."}],
                }
                return 200, completion([thought, {"type": "text", "text": good}])
            case "content_parts":  # some gateways: a list with one text part
                return 200, completion([{"type": "text", "text": good}])
            case "sse_always":  # ignores that no stream was asked for
                chunk = lambda t: (
                    b"data: "
                    + json.dumps(
                        {
                            "id": "x",
                            "object": "chat.completion.chunk",
                            "created": 1,
                            "model": "m",
                            "choices": [{"index": 0, "delta": {"content": t}, "finish_reason": None}],
                        }
                    ).encode()
                    + b"\n\n"
                )
                return 200, b"".join(chunk(w) for w in re.findall(r"\s*\S+", good)) + b"data: [DONE]\n\n"
            case "stream_required":
                return 400, error("This model only supports streaming. Set stream to true.", param="stream")
            case "no_system":  # templates of Gemma 1/2, o1-preview
                if "system" in roles:
                    return 400, {
                        "object": "error",
                        "message": "System role not supported",
                        "type": "BadRequestError",
                        "param": None,
                        "code": 400,
                    }
            case "alternate":  # Mistral and Gemma templates in vLLM; the first answer is empty
                said = [r for r in roles if r != "system"]
                if any(a == b for a, b in zip(said, said[1:])):
                    return 400, {
                        "object": "error",
                        "message": "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...",
                        "type": "BadRequestError",
                        "param": None,
                        "code": 400,
                    }
                if Handler.calls == 1:
                    return 200, completion("")
            case "groq_413":  # the room for the answer counts against the tokens of a minute
                wanted = sum(len(m["content"]) for m in body["messages"]) // 4 + body.get("max_tokens", 1024)
                if wanted > 6000:
                    return 413, error(
                        f"Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested {wanted}, please reduce your message size and try again.",
                        type="tokens",
                        code="rate_limit_exceeded",
                    )
            case "openrouter_402":
                room = body.get("max_tokens", 65536)
                if room > 3919:
                    return 402, error(
                        f"This request requires more credits, or fewer max_tokens. You requested up to {room} tokens, but can only afford 3919.",
                        code=402,
                    )
            case "error_200":
                return 200, error("Provider returned error: the model is overloaded", code=502)
            case "forbids_seed":  # Mistral: `message` is an object, `seed` is called otherwise there
                if "seed" in body:
                    detail = [
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "seed"],
                            "msg": "Extra inputs are not permitted",
                            "input": 0,
                        }
                    ]
                    return 422, {
                        "object": "error",
                        "message": {"detail": detail},
                        "type": "invalid_request_error",
                        "param": None,
                        "code": None,
                    }
            case "error_list":  # Gemini's endpoint: errors come as a list
                return 400, [
                    error(
                        "API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT"
                    )
                ]
        return 200, completion(good)

    def send(self, status, data, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Retry-After", "0.05")
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    Handler.behaviour = sys.argv[2]
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
