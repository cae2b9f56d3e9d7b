"""`./rengang watch SEEKER`: a seeker's matches, as they stand and as they come."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import orjson
import typer
from httpx_sse import ServerSentEvent, SSEError, connect_sse
from rich.console import Console
from rich.text import Text

from dev.reach import Reach, refuse

_LANGUAGES = ("zh", "en")
_WORDS = {
    "live": ("当前匹配", "live matches"),
    "waiting": ("等待新的匹配（Ctrl-C 结束）…", "waiting for matches (Ctrl-C ends) …"),
    "found": ("新匹配", "new match"),
    "improved": ("更匹配", "better match"),
    "changed": ("有变化", "changed"),
    "withdrawn": ("已撤下", "withdrawn"),
    "missing": ("欠缺：", "missing: "),
    "and": ("；", "; "),
    "reset": ("离开太久，中间的消息已不再保存", "away too long: what came between is not kept"),
    "away": ("连接断开，正在重连…", "connection lost, trying again …"),
}

app = typer.Typer(add_completion=False)


@app.command()
def watch(
    seeker: Annotated[str, typer.Argument(help="The seeker's account, e.g. sample-00001")],
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    top: Annotated[int, typer.Option("-n", min=0, max=200, help="Show this many first.")] = 5,
    why: Annotated[bool, typer.Option("--why", help="Every point of every score.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object an event.")] = False,
) -> None:
    """Show a seeker's best matches with their reasons, then each change as it happens.

    Example: ./rengang watch sample-00001 --lang en --why
    """
    if lang not in _LANGUAGES:
        refuse("--lang is zh or en")
    screen = _Screen(Reach.found(), seeker, lang, why=why, json=json)
    try:
        screen.run(top)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


class _Screen:
    def __init__(self, reach: Reach, account: str, lang: str, *, why: bool, json: bool) -> None:
        self._reach = reach
        self._account = account
        self._lang = lang
        self._why = why
        self._json = json
        self._console = Console(highlight=False)
        self._client = httpx.Client(timeout=httpx.Timeout(10, read=45))
        self._titles: dict[str, str] = {}

    def run(self, top: int) -> None:
        me = self._get("/v1/seekers/me")
        base = f"/v1/seekers/{me['seeker_id']}"
        page = self._get(f"{base}/matches", limit=max(top, 1))
        if top and not self._json:
            self._console.print(f"[bold]{self._word('live')}[/bold]")
            for match in page["items"][:top]:
                self._print_match(match, "cyan", "")
        if not self._json:
            self._console.print(f"[dim]{self._word('waiting')}[/dim]")
        for event in self._events(f"{base}/stream", str(page["position"])):
            self._show(event)

    def _events(self, path: str, position: str) -> Iterator[ServerSentEvent]:
        """Events after the position, for ever; a lost connection goes on where it was."""
        while True:
            headers = {**self._headers(), "Last-Event-ID": position}
            try:
                with connect_sse(
                    self._client, "GET", self._reach.url("seekers") + path, headers=headers
                ) as source:
                    if source.response.status_code != httpx.codes.OK:
                        source.response.read()
                        self._refuse(source.response)
                    for event in source.iter_sse():
                        if event.id:
                            position = event.id
                        if event.data:
                            yield event
            except (httpx.TransportError, SSEError):
                if not self._json:
                    self._console.print(f"[yellow]{self._word('away')}[/yellow]")
            time.sleep(1)

    def _show(self, event: ServerSentEvent) -> None:
        told = orjson.loads(event.data)
        if self._json:
            print(orjson.dumps({"id": event.id, "event": event.event, **told}).decode(), flush=True)
            return
        if event.event in ("reset", "end"):
            # After "end" the token is renewed and the stream goes on where it was.
            if event.event == "reset":
                self._console.print(f"[yellow]{self._word('reset')}[/yellow]")
            return
        kind = told["kind"]
        if kind == "withdrawn":
            title = self._titles.get(told["posting_id"], told["posting_id"])
            self._console.print(f"[red]✕ {self._word('withdrawn')}[/red]  {title}")
            return
        colour = {"found": "green", "improved": "bright_green"}.get(kind, "yellow")
        self._print_match(told["match"], colour, self._word(kind))

    def _print_match(self, match: dict[str, Any], colour: str, label: str) -> None:
        posting = match["posting"]
        self._titles[match["posting_id"]] = posting["title"]
        head = Text()
        if label:
            head.append(f"● {label}  ", colour)
        head.append(f"{match['score_ppm'] / 10_000:5.1f} %  ", f"bold {colour}")
        head.append(posting["title"], "bold")
        head.append(f"  {self._said(posting['pay_text'])}  {self._said(posting['place'])}")
        self._console.print(head, soft_wrap=True)
        if label == self._word("changed") and not self._why:
            return
        for node in _leaves(match["reason"]) if self._why else _branches(match["reason"]):
            self._print_reason(node)
        if match["missing"]:
            lacks = self._word("and").join(self._said(item["text"]) for item in match["missing"])
            self._console.print(Text(f"    {self._word('missing')}{lacks}", "dim"), soft_wrap=True)

    def _print_reason(self, node: dict[str, Any]) -> None:
        line = Text(f"    {node['points_ppm'] / 10_000:5.1f}  ", "dim")
        line.append(self._said(node["text"]), "default not dim")
        if not node["children"]:
            line.append("  ✓" if node["certificate_id"] else "", "green not dim")
        else:
            self._add_leaves(line, list(_leaves(node)))
        self._console.print(line, soft_wrap=True)

    def _add_leaves(self, line: Text, leaves: list[dict[str, Any]]) -> None:
        """The weightiest of them, and whatever a certificate proves."""
        plain = [leaf for leaf in leaves if not leaf["certificate_id"]]
        plain = [leaf for leaf in plain if leaf["code"] != "text.rest"]
        plain.sort(key=lambda leaf: -leaf["points_ppm"])
        told = self._word("and").join(self._said(leaf["text"]) for leaf in plain[:3])
        line.append(f"  {told}{' …' if len(plain) > 3 else ''}", "dim")
        for leaf in leaves:
            if leaf["certificate_id"]:
                line.append(f"  ✓ {self._said(leaf['text'])}", "green not dim")

    def _word(self, key: str) -> str:
        return _WORDS.get(key, (key, key))[_LANGUAGES.index(self._lang)]

    def _said(self, words: dict[str, str]) -> str:
        return words[self._lang]

    def _headers(self) -> dict[str, str]:
        token = self._reach.token("seeker", self._account)
        return {"authorization": f"Bearer {token}", "accept-language": self._lang}

    def _get(self, path: str, **query: int) -> dict[str, Any]:
        url = self._reach.url("seekers") + path
        try:
            answer = self._client.get(url, params=query, headers=self._headers())
        except httpx.TransportError as error:
            refuse(f"{url} does not answer: {error}")
        if answer.status_code != httpx.codes.OK:
            self._refuse(answer)
        found: dict[str, Any] = answer.json()
        return found

    def _refuse(self, answer: httpx.Response) -> None:
        if answer.status_code == httpx.codes.NOT_FOUND:
            refuse(f"no seeker has the account {self._account}")
        refuse(f"{answer.status_code} {answer.json().get('detail', '')}")


def _branches(reason: dict[str, Any]) -> list[dict[str, Any]]:
    """What the score is made of, one level down."""
    return [child for child in reason["children"] if child["points_ppm"]] or [reason]


def _leaves(reason: dict[str, Any]) -> Iterator[dict[str, Any]]:
    children = [child for child in reason.get("children", ()) if child["points_ppm"]]
    if not children and reason["points_ppm"]:
        yield reason
    for child in children:
        yield from _leaves(child)
