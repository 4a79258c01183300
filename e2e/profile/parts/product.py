"""What a shipped profile was tried with: a public product, its version, and what can be judged there."""

from __future__ import annotations

from pydantic import Field

from e2e.profile.values.fields import Part, Text, WebAddress


class ProductPart(Part):
    """The product that a profile was tried with. Only for readers: ``python -m e2e targets`` lists it."""

    version: Text = Field(examples=["Gradio 6.31.0"])
    """The product and the version that was tried."""
    address: WebAddress | None = Field(default=None, examples=["https://www.gradio.app/"])
    """The product's own page."""
    judged: tuple[Text, ...] = Field(min_length=1, examples=[["rotation of the sent ID"]])
    """What can be judged there."""
    not_judged: tuple[Text, ...] = Field(
        default=(), examples=[["code locations: the page has no source map"]]
    )
    """What cannot be judged there, each with the reason."""
    product_faults: tuple[Text, ...] = Field(
        default=(), examples=[["late-stream: New Chat does not end the stream"]]
    )
    """Faults of the product itself that a run reports, each verified by hand."""
    new_chat: Text = Field(examples=["the button New chat of the app"])
    """What counts as New Chat."""
    start: Text = Field(examples=["python -m e2e.setup gradio"])
    """How to get it: what installs it, after which the suite starts it, or which address to give."""
