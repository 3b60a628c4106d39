"""What a client makes of a node's answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from assetlog.catalog.answers import decode, error_of
from assetlog.catalog.finding import find_node
from assetlog.catalog.sse import Message, read_messages
from assetlog.schemas.errors import (
    AssetlogError,
    Broken,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from assetlog.schemas.node_file import NodeFile, write_node_file
from assetlog.schemas.shapes import Asset, Job, LineageNode


@pytest.mark.parametrize(
    "status, kind",
    [
        (400, Invalid),
        (422, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, TooLarge),
        (429, Unavailable),
        (503, Unavailable),
        (500, Broken),
        (302, Broken),
    ],
)
def test_a_status_is_the_error_it_stands_for(status: int, kind: type[AssetlogError]) -> None:
    assert type(error_of(status, b"<html>")) is kind


def test_a_problem_keeps_its_code_hint_and_first_culprit() -> None:
    problem = {
        "type": "about:blank",
        "title": "Invalid",
        "status": 400,
        "code": "invalid-key",
        "detail": "Bad.",
        "hint": "Mend.",
    }
    culprit = {"index": 0, "field": "key", "value": "x", "rule": "a key is a URI"}
    error = error_of(400, json.dumps(problem | {"errors": [culprit]}).encode())
    assert (error.code, error.detail, error.hint) == ("invalid-key", "Bad.", "Mend.")
    assert (error.field, error.value, error.rule) == ("key", "x", "a key is a URI")


def test_an_answer_of_a_newer_node_is_read_without_what_is_new() -> None:
    assert decode(b'{"name":"j","position":"1-0","brand_new":1}', Job).name == "j"


def test_something_else_than_a_node_is_told_apart() -> None:
    with pytest.raises(Broken) as caught:
        decode(b'{"hello":"world"}', Job)
    assert caught.value.code == "foreign-answer"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_messages_are_read_however_the_bytes_are_cut(size: int) -> None:
    stream = (
        'retry: 5\n\n: beat\n\nid: 1-0\r\nevent: t\r\ndata: {"a":\r\ndata: "\u2028"}\r\n\r\nid: 2-0\ndata: 2\n'.encode()
    )
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert list(read_messages(chunks)) == [Message("1-0", "t", '{"a":\n"\u2028"}'.encode())]


def announced(home: Path, api: str) -> None:
    write_node_file(home, NodeFile(api=api, log="unix:///x/log.sock", pid=os.getpid(), version="1"))


def test_a_token_goes_to_a_given_url_and_to_this_machine_only(tmp_path: Path) -> None:
    assert find_node("https://far.example/", tmp_path, "t").token == "t"
    announced(tmp_path, "http://127.0.0.1:8470")
    assert find_node(None, tmp_path, "t").token == "t"
    announced(tmp_path, "http://10.0.0.1:8470")
    assert find_node(None, tmp_path, "t").token is None


def test_without_a_node_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="assetlog up") as caught:
        find_node(None, tmp_path, None)
    assert caught.value.code == "no-node"


def test_a_log_servers_url_finds_its_node_or_says_what_is_needed(tmp_path: Path) -> None:
    announced(tmp_path, "http://127.0.0.1:8470")
    assert find_node("unix:///x/log.sock", tmp_path, None).url == "http://127.0.0.1:8470"
    with pytest.raises(Invalid) as caught:
        find_node("redis://me:secret@far.example:6379", tmp_path, None)
    assert "secret" not in f"{caught.value} {caught.value.value}"


def test_free_form_values_that_may_be_null_are_read() -> None:
    node = decode(b'{"key":"s3://a","columns":[{"name":"id"}]}', LineageNode)
    assert bytes(node.columns) == b'[{"name":"id"}]'
    assert bytes(decode(b'{"key":"s3://a","columns":null}', LineageNode).columns) == b"null"
    seen = b'"first_seen":{"position":"1-0","time":"t"}'
    assert (
        bytes(decode(b'{"key":"s3://a","freshness":{"max_age":3},' + seen + b"}", Asset).freshness) == b'{"max_age":3}'
    )
