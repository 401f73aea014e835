"""Files that cannot be manifests: their endings say that a program or a template computes what Kubernetes gets."""

_WRITTEN = "name the manifest that it writes, if that is in the repository"
_COMPUTED = f"its values are computed; {_WRITTEN}"
_TEMPLATE = "it is a template; name the values it is filled with, or the HelmRelease that holds them"

_REASONS = {
    **dict.fromkeys(("jsonnet", "libsonnet"), f"it is Jsonnet, and {_COMPUTED}"),
    "cue": f"it is CUE, and {_COMPUTED}",
    "dhall": f"it is Dhall, and {_COMPUTED}",
    "nix": f"it is Nix, and {_COMPUTED}",
    "pkl": f"it is Pkl, and {_COMPUTED}",
    "star": f"it is Starlark, and {_COMPUTED}",
    **dict.fromkeys(("tf", "hcl"), f"it is HCL, and {_COMPUTED}"),
    **dict.fromkeys(("py", "js", "ts", "go", "rb", "sh"), f"it is a program, and {_COMPUTED}"),
    **dict.fromkeys(("tpl", "gotmpl", "tmpl", "j2", "jinja", "jinja2", "erb", "mustache"), _TEMPLATE),
    "json5": "it is JSON5, with comments and more that JSON has not",
    "toml": "it is TOML",
    **dict.fromkeys(("env", "properties", "ini"), "it is read into a ConfigMap or Secret as text"),
    **dict.fromkeys(("tgz", "zip", "gz", "tar"), "it is an archive"),
    **dict.fromkeys(("md", "xml", "html"), "it is a text for people"),
}


def why_unsupported(path: str) -> str | None:
    """Why a file cannot be edited as a manifest, by its ending; None where that does not tell."""
    name, dot, ending = path.rpartition("/")[2].rpartition(".")
    return _REASONS.get(ending.lower()) if dot and (name or ending == "env") else None
