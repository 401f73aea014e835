"""Which document of a file a selector means."""

from failover_api.core.splice.edits import DocumentId, Place, Selector
from failover_api.core.splice.merges import field, texts
from failover_api.core.splice.scalars import NULLS
from failover_api.core.splice.yaml_tree import Tree
from failover_api.errors import AmbiguousDocument, DocumentNotFound


def identify(tree: Tree) -> tuple[DocumentId, ...]:
    """The documents that hold something and that Kubernetes' readers look at."""
    documents, line, counted = [], 1, 0
    for index, document in enumerate(tree.documents):
        start = tree.starts[document.root]
        line, counted = line + tree.text.count("\n", counted, start), start
        if document.read and tree.scalar_text(document.root) not in NULLS:
            documents.append(_identify(tree, index, document.root, line))
    return tuple(documents)


def select(documents: tuple[DocumentId, ...], selector: Selector, place: Place) -> DocumentId:
    """The one document that matches. Raises DocumentNotFound, AmbiguousDocument."""
    matching = [document for document in documents if _matches(document, selector)]
    if selector.namespace is not None:
        matching = [document for document in matching if document.namespace is not None] or matching
    match matching:
        case [document]:
            return document
        case []:
            raise place.error(DocumentNotFound, f"has no {describe(selector)}; it has {_list(documents)}")
    raise place.error(
        AmbiguousDocument, f"has {len(matching)} of {describe(selector)}: {_list(matching)}", matching[1].line
    )


def describe(selector: Selector | DocumentId) -> str:
    """`Deployment default/web`, as far as it is known."""
    name = selector.name or "*" if selector.namespace else selector.name
    words = [selector.kind or "document", f"{selector.namespace}/{name}" if selector.namespace else name]
    if isinstance(selector, Selector) and selector.index is not None:
        words.append(f"at index {selector.index}")
    return " ".join(word for word in words if word)


def _list(documents: tuple[DocumentId, ...] | list[DocumentId]) -> str:
    shown = [f"{describe(document)} (line {document.line})" for document in documents[:5]]
    more = len(documents) - len(shown)
    return ", ".join(shown + ([f"{more} more"] if more else [])) or "no document"


def _matches(document: DocumentId, selector: Selector) -> bool:
    return (
        selector.index in (None, document.index)
        and selector.kind in (None, document.kind)
        and selector.name in (None, document.name)
        and (selector.namespace is None or document.namespace in (None, selector.namespace))
    )


def _identify(tree: Tree, index: int, root: int, line: int) -> DocumentId:
    """What a document is. When readers differ on its kind, name or namespace, it has none: no selector can mean it."""
    metadata = field(tree, root, "metadata")
    places = ((root, "kind"), (metadata, "name"), (metadata, "namespace"))
    fields = [texts(tree, node, key) for node, key in places]
    if any(len(values) > 1 for values in fields):
        return DocumentId(index, None, None, None, line)
    kind, name, namespace = (next(iter(values)) or None for values in fields)
    return DocumentId(index, kind, name, namespace, line)
