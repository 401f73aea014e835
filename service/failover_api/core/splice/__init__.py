"""The YAML editor: changes single values in the text of a manifest, and leaves every other byte as it was.

The text is read as events, each edit becomes a patch of the text and a change of the events, and the patched text
must read as the changed events do, or nothing is returned. Nothing is ever dumped.

    parse(data, file=...)           bytes -> Manifest
    Manifest.find(selector, path)   -> Scalar
    Manifest.apply(edits)           -> Manifest, with the new bytes in `.data`

    manifest      the file: parse, find, apply
    readers       who reads the text
    go_yaml       where Kubernetes' reader differs from them
    yaml_tree     the text as events with their places
    paths         paths, written and read
    edits         the words: Selector, Edit, Scalar
    documents     which document is meant
    trail         the way along a path
    merges        keys through `<<`, as each reader takes them
    nearby        what is there instead
    scalars       what a plain scalar means to every reader, and how one is written
    policy        what is not touched
    layout        where a token begins and ends
    changes       patches of the text, and the proof
    replacement, addition, deletion    the operations
"""

from failover_api.core.splice.edits import ANY, DocumentId, Edit, Scalar, Selector
from failover_api.core.splice.manifest import MAX_BYTES, Manifest, parse
from failover_api.core.splice.scalars import Value

__all__ = ["ANY", "MAX_BYTES", "DocumentId", "Edit", "Manifest", "Scalar", "Selector", "Value", "parse"]
