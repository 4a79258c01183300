"""The address that the page shows, as the protocol reports it: after loads, and after `pushState` and its like without one."""

from __future__ import annotations

from e2e.capture.network.events.channel import Channel, Handler, Params


class Addresses:
    """Follows the frames of a page. In order with its requests and frames of sockets: one process reports them all."""

    def __init__(self, depth: int = 0) -> None:
        """``depth`` is how many frames the chat is inside of."""
        self._depth = depth
        self._parents: dict[str, str | None] = {}
        self._found: dict[str, str] = {}
        """Frame -> its address; the frame that was navigated last stands last."""
        self.handlers: dict[str, Handler] = {
            "Page.frameAttached": self._attached,
            "Page.frameDetached": self._detached,
            "Page.frameNavigated": lambda e: self._navigated(e["frame"]),
            "Page.navigatedWithinDocument": self._moved,
        }

    def watch(self, channel: Channel) -> None:
        """Only pages and frames have an address; the handlers must have been installed."""
        channel.ask("Page.enable", None, _ignored)
        channel.ask("Page.getFrameTree", None, self._tree)

    @property
    def now(self) -> str:
        """Of the chat's own frame; ``""`` before anything was loaded."""
        return next(
            (url for frame, url in reversed(self._found.items()) if self._deep(frame) == self._depth), ""
        )

    def _deep(self, frame: str) -> int:
        deep, parent = 0, self._parents.get(frame)
        while parent is not None and deep <= self._depth:
            deep, parent = deep + 1, self._parents.get(parent)
        return deep

    def _attached(self, e: Params) -> None:
        self._parents[e["frameId"]] = e["parentFrameId"]

    def _detached(self, e: Params) -> None:
        if e.get("reason") != "swap":  # a frame that goes on in another process keeps its address
            self._found.pop(e["frameId"], None)
            self._parents.pop(e["frameId"], None)

    def _navigated(self, frame: Params) -> None:
        self._parents.setdefault(frame["id"], frame.get("parentId"))
        self._at(frame["id"], frame["url"] + frame.get("urlFragment", ""))

    def _moved(self, e: Params) -> None:
        self._at(e["frameId"], e["url"])

    def _at(self, frame: str, url: str) -> None:
        self._found.pop(frame, None)
        self._found[frame] = url

    def _tree(self, answer: Params | None, _: str) -> None:
        if answer is not None:
            self._branch(answer["frameTree"])

    def _branch(self, tree: Params) -> None:
        if tree["frame"]["id"] not in self._found:
            self._navigated(tree["frame"])
        for child in tree.get("childFrames", ()):
            self._branch(child)


def _ignored(_: Params | None, __: str) -> None:
    """A frame that is gone already has no address."""
