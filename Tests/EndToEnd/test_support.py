"""The suite's own parsers, tried on bytes: a parser that lets mistakes pass would make every other test worthless."""

import pytest

from support.sse import ChunkedDecoder, EventParser, StreamFormatError

EVENT = b'id: 1-0\ndata: {"type":"x","payload":{"a":1}}\n\n'


def test_a_frame_comes_out_however_the_bytes_are_cut():
    for size in range(1, len(EVENT) + 1):
        parser = EventParser()
        frames = [f for at in range(0, len(EVENT), size) for f in parser.feed(EVENT[at : at + size])]
        assert [(f.id, f.type, f.payload) for f in frames] == [("1-0", "x", {"a": 1})]
        parser.finish()


def test_comments_and_retry_are_collected_and_are_no_frames():
    parser = EventParser()
    assert parser.feed(b"retry: 2000\n\n: beat\n\n:\n\n") == []
    assert (parser.retries, parser.comments) == ([2000], ["beat", ""])


@pytest.mark.parametrize(
    "bad",
    [
        b"event: x\ndata: {}\n\n",
        b"data: {}\ndata: {}\n\n",
        b"id: 1\n\n",
        b"data: {}\r\n\r\n",
        b"data\n\n",
        b"retry: soon\n\n",
        b"id: 1\nid: 2\ndata: {}\n\n",
        b"data: []\n\n",
        b'data: "x"\n\n',
        b"id:\ndata: {}\n\n",
    ],
)
def test_whatever_the_contract_does_not_name_is_an_error(bad):
    with pytest.raises(StreamFormatError):
        EventParser().feed(bad)


def test_invalid_utf8_and_invalid_json_are_errors():
    for bad in (b'data: {"a":"\xff"}\n\n', b"data: {oops}\n\n"):
        with pytest.raises(ValueError):
            EventParser().feed(bad)


def test_an_end_within_a_frame_is_an_error():
    for half in (b"data: {}", b"data: {}\n"):
        parser = EventParser()
        parser.feed(half)
        with pytest.raises(StreamFormatError):
            parser.finish()


def test_chunks_come_out_however_the_bytes_are_cut():
    coded = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
    for size in range(1, len(coded) + 1):
        decoder = ChunkedDecoder()
        content = b"".join(decoder.feed(coded[at : at + size]) for at in range(0, len(coded), size))
        assert content == b"hello world" and decoder.finished


@pytest.mark.parametrize("bad", [b"5\r\nhelloXX", b"0\r\n\r\nmore"])
def test_broken_chunks_are_errors(bad):
    with pytest.raises(StreamFormatError):
        ChunkedDecoder().feed(bad)
