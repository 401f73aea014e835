"""The controller-manager: what turns wishes into pods, and notices nodes that are gone."""
