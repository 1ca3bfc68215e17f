"""Holds values against a JSON Schema: as much of the language as our schemas speak, and no more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_ELSEWHERE = {
    *("$defs", "$schema", "default", "description", "discriminator"),  # say nothing
    *("additionalProperties", "items", "properties"),
}


def violations(value: object, schema: dict[str, Any]) -> list[str]:
    """Where a value is at odds with a schema, as paths with a word of why."""
    return list(_Check(schema["$defs"]).violations(value, schema, ""))


@dataclass(frozen=True)
class _Check:
    named: dict[str, Any]

    def violations(self, value: object, schema: dict[str, Any], path: str) -> Iterator[str]:
        for word, rule in schema.items():
            match word:
                case "$ref":
                    yield from self.violations(value, self.named[rule.rpartition("/")[2]], path)
                case "anyOf" | "oneOf":
                    yield from self._of_several(word, value, rule, path)
                case _ if not _holds(word, rule, value):
                    yield f"{path}: {word} is {rule}"
                case _:
                    pass
        if isinstance(value, dict):
            yield from self._of_fields(value, schema, path)
        elif isinstance(value, list) and "items" in schema:
            for number, one in enumerate(value):
                yield from self.violations(one, schema["items"], f"{path}[{number}]")

    def _of_several(self, word: str, value: object, rule: list[Any], path: str) -> Iterator[str]:
        fitting = [one for one in rule if not [*self.violations(value, one, path)]]
        if not fitting or (word == "oneOf" and len(fitting) > 1):
            yield f"{path}: fits {len(fitting)} of {len(rule)}"

    def _of_fields(self, value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
        fields, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        for name, one in value.items():
            rule = fields.get(name, others)
            if rule is False:
                yield f"{path}.{name}: is unknown"
            elif rule is not True:
                yield from self.violations(one, rule, f"{path}.{name}")


def _holds(word: str, rule: Any, value: Any) -> bool:
    match word:
        case "type":
            return any(_is(value, one) for one in ([rule] if isinstance(rule, str) else rule))
        case "const" | "enum":
            return value in (rule if word == "enum" else [rule])
        case "minimum":
            return not isinstance(value, int | float) or bool(value >= rule)
        case "minProperties":
            return not isinstance(value, dict) or len(value) >= rule
        case "required":
            return not isinstance(value, dict) or set(rule) <= set(value)
        case _:
            assert word in _ELSEWHERE, f"a schema says {word!r}, which is not understood here"
            return True


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])
