"""A replaced name is the module's own again after the block, also after an exception."""

import types

import pytest

from components.replaced_name import replace_name


def make_module() -> types.ModuleType:
    module = types.ModuleType("library")
    exec("def read(): return 'own'\ndef run(): return read()", module.__dict__)
    return module


def test_code_of_the_module_uses_the_value_while_the_block_runs() -> None:
    module = make_module()
    own = module.read
    with replace_name(module, "read", lambda: "ours"):
        assert module.run() == "ours"
    assert module.read is own
    assert module.run() == "own"


def test_an_exception_in_the_block() -> None:
    module = make_module()
    own = module.read
    with pytest.raises(ValueError, match="of the block"), replace_name(module, "read", None):
        raise ValueError("of the block")
    assert module.read is own


def test_a_name_that_the_module_has_not() -> None:
    module = make_module()
    with (
        pytest.raises(AttributeError, match="module 'library' has no attribute 'write'"),
        replace_name(module, "write", None),
    ):
        raise AssertionError("the block ran")
    assert not hasattr(module, "write")
