"""The YAML editor: changes single values in the text of a manifest, and leaves every other byte as it was.

The text is read as events. Each edit becomes a patch of the text and a change of the events, and the patched text must
read as the changed events, or nothing is returned. YAML is never dumped.

    parse(data, file=...)           bytes -> Manifest
    Manifest.find(selector, path)   -> Scalar
    Manifest.apply(edits)           -> Manifest, with the new bytes in `.data`

    manifest      the file: parse, find, apply
    readers       who reads the text
    go_yaml       where Kubernetes' reader differs from them
    yaml_tree     the text as events with their places
    paths         paths, written and read
    edits         the values: Selector, Edit, Scalar
    documents     which document a selector means
    trail         the nodes along a path
    merges        keys through `<<`, as each reader takes them
    alternatives  what an error lists as being there instead
    scalars       what a plain scalar means to every reader, and how one is written
    policy        what the editor refuses to change
    layout        where a token begins and ends
    changes       patches of the text, and the proof
    replacement, addition, deletion    the operations
    text_blocks   YAML inside a block scalar
"""

from failover_api.core.splice.edits import ANY, DocumentId, Edit, Scalar, Selector
from failover_api.core.splice.manifest import MAX_BYTES, Manifest, parse
from failover_api.core.splice.scalars import Value

__all__ = ["ANY", "MAX_BYTES", "DocumentId", "Edit", "Manifest", "Scalar", "Selector", "Value", "parse"]
