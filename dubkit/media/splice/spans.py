"""Splice by spans: copy every packet that can stay, code the spans between them anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dubkit.media.files.container import open_media
from dubkit.media.files.units import broken_link
from dubkit.media.splice.encode import (
    EncodedPacket,
    Look,
    SpanEncoder,
    header_with,
    look_of,
    messages_of,
)
from dubkit.media.splice.job import Filler, SpliceJob, packets, writing
from dubkit.media.splice.plan import (
    CodedSpan,
    NotSpliceable,
    TimesContradict,
    check_spliceable,
    decoding_times,
    plan_spans,
    stamp_of,
    storage_order,
)


def splice_spans(job: SpliceJob) -> tuple[list[tuple[int, int]], int]:
    """Write the picture; return the coded frames as ranges, and how many were missing.

    Raises `NotSpliceable` when the stream cannot hold pictures of two encoders.
    """
    with open_media(job.source) as container:
        stream = container.streams[job.video.index]
        check_spliceable(job.found, stream.codec_context)
        splicer = _Splicer(job, look_of(stream, job.found.time_base, job.video.rate))
        with writing(job) as out:
            splicer.open(out, stream)
            splicer.run(container, stream)
    hidden = len(job.found.hidden)
    coded = [(max(0, span.first - hidden), span.last - hidden) for span in splicer.spans]
    return coded + [(number, number + 1) for number in splicer.relinked], splicer.missing


@dataclass(slots=True)
class _SpanWork:
    """One span on its way: pictures in, packets out."""

    span: CodedSpan
    encoder: SpanEncoder | None
    filler: Filler
    ready: deque[EncodedPacket] = field(default_factory=deque)
    done: bool = False


class _Splicer:
    """One pass over the source: packets go to the new file, to the decoder, or both."""

    def __init__(self, job: SpliceJob, look: Look) -> None:
        self._job, self._look, self._found = job, look, job.found
        self.spans = plan_spans(job.found, job.replaced)
        self._hidden = len(job.found.hidden)
        ordered = sorted(job.found.coded, key=lambda packet: packet.pts)
        self._stamps = [packet.pts for packet in ordered]
        self._durations = {packet.pts: packet.duration for packet in ordered}
        self._rank_of = {stamp: rank for rank, stamp in enumerate(self._stamps)}
        self._messages: dict[int, list[bytes]] = {}
        self._first_encoder: SpanEncoder | None = SpanEncoder(job.found, look)
        self._header = header_with(job.found, self._first_encoder)
        self._sets = self._first_encoder.sets
        self._works = deque(_SpanWork(span, None, self._filler(span)) for span in self.spans)
        self._queue: deque[Any] = deque()
        self._out: Any = None
        self._track: Any = None
        self._times: deque[int] = deque()
        self._shown_rank = -1
        """Place of the last decoded frame, within one stretch of decoding."""
        self.relinked: list[int] = []
        """Copied frames whose packets got another type."""
        self.missing = 0

    def _filler(self, span: CodedSpan) -> Filler:
        return Filler(self._job, max(0, span.first - self._hidden), span.last - self._hidden)

    def open(self, out: Any, stream: Any) -> None:
        """Make the picture track of the new file: the source's, with a longer header."""
        self._out = out
        self._track = out.add_stream_from_template(stream, opaque=True)
        self._track.codec_context.extradata = self._header

    def run(self, container: Any, stream: Any) -> None:
        """Read the source once; decode only what the spans need."""
        order = storage_order(self._found, self.spans)
        resumes = {span.resume for span in self.spans}
        works: dict[Any, _SpanWork] = {work.span: work for work in self._works}
        self._times = deque(decoding_times(self._found, [*self._shown(order)]))
        stream.thread_type = "AUTO"
        waiting, runs, previous = deque(order), deque(_decode_runs(self.spans)), None
        for number, packet in enumerate(packets(container, stream)):
            if number == len(self._found.coded):
                break
            packet.pts = stamp_of(packet, previous)
            previous = (packet.pts, packet.duration or 1)
            if runs and runs[0][0] <= number:
                self._decode(packet)
                if number + 1 == runs[0][1]:
                    runs.popleft()
                    self._end_of_run(stream, number + 1)
            while waiting and isinstance(waiting[0], CodedSpan):
                self._queue.append(works[waiting.popleft()])
            if waiting and waiting[0] == number:
                self._queue.append(self._joined(packet) if number in resumes else packet)
                waiting.popleft()
            self._drain()
        if self._queue or waiting:
            raise NotSpliceable("it cannot be read twice alike")

    def _shown(self, order: list[int | CodedSpan]) -> Iterator[int]:
        for item in order:
            if isinstance(item, CodedSpan):
                yield from self._stamps[max(item.first, self._hidden) : item.last]
            else:
                yield self._found.coded[item].pts

    def _decode(self, packet: Any) -> None:
        import av

        rank = self._rank_of[packet.pts]
        if any(work.span.first <= rank < work.span.last for work in self._works):
            messages = messages_of(bytes(packet), self._found)
            if messages:
                self._messages[rank] = messages
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            return
        for frame in frames:
            self._take(frame)

    def _joined(self, packet: Any) -> Any:
        """The first copied packet behind a span, as one that decoding can start at after anything."""
        if self._found.codec != "hevc":
            return packet
        content = broken_link(bytes(packet), self._found.unit_size)
        if content is None:
            return packet
        self.relinked.append(self._rank_of[packet.pts] - self._hidden)
        return _packet(EncodedPacket(content, packet.pts, True), packet.duration)

    def _take(self, frame: Any) -> None:
        if frame.interlaced_frame:
            raise NotSpliceable("the picture is interlaced")
        rank = self._rank_of.get(frame.pts)
        if rank is None:
            return
        if rank <= self._shown_rank:
            raise TimesContradict("its time stamps contradict the order of its frames")
        self._shown_rank = rank
        while self._works and rank >= self._works[0].span.last:
            self._finish(self._works.popleft())
        if not self._works or rank < max(self._works[0].span.first, self._hidden):
            return
        look = (self._look.width, self._look.height, self._look.pixel_format)
        if (frame.width, frame.height, frame.format.name) != look:
            raise NotSpliceable("the size or pixel format changes within the film")
        work = self._works[0]
        self._encode(work, work.filler.take(rank - self._hidden, frame))

    def _encode(self, work: _SpanWork, pictures: Iterator[tuple[int, Any]]) -> None:
        for number, picture in pictures:
            rank = number + self._hidden
            if work.encoder is None:
                work.encoder = self._new_encoder()
            messages = self._messages.pop(rank, [])
            work.ready += work.encoder.encode(picture, self._stamps[rank], messages)

    def _new_encoder(self) -> SpanEncoder:
        encoder, self._first_encoder = self._first_encoder, None
        return encoder or SpanEncoder(self._found, self._look)

    def _finish(self, work: _SpanWork) -> None:
        self._encode(work, work.filler.rest())
        assert work.encoder is not None  # a span holds at least one replaced frame
        work.ready += work.encoder.finish()
        work.encoder, work.done = None, True
        self.missing += work.filler.missing

    def _end_of_run(self, stream: Any, until: int) -> None:
        for frame in stream.codec_context.decode(None):
            self._take(frame)
        while self._works and self._works[0].span.decode_until <= until:
            self._finish(self._works.popleft())
        stream.codec_context.flush_buffers()
        self._shown_rank = -1

    def _drain(self) -> None:
        """Write what is next in storage order, as far as it is there."""
        while self._queue:
            head = self._queue[0]
            if not isinstance(head, _SpanWork):
                self._write(self._queue.popleft())
                continue
            while head.ready:
                encoded = head.ready.popleft()
                self._write(_packet(encoded, self._durations[encoded.pts]), made=True)
            if not head.done:
                return
            self._queue.popleft()

    def _write(self, packet: Any, *, made: bool = False) -> None:
        packet.time_base = self._found.time_base
        packet.dts = self._times.popleft()
        if made and packet.is_keyframe and self._job.video.variable:
            # Players look for key frames by decoding times, which they take for evenly early.
            packet.dts = min(packet.pts, self._times[0] - 1) if self._times else packet.pts
        packet.pts, packet.dts = packet.pts + self._job.shift, packet.dts + self._job.shift
        packet.stream = self._track
        self._out.mux_one(packet)


def _packet(encoded: EncodedPacket, duration: int | None) -> Any:
    import av

    packet: Any = av.Packet(encoded.content)
    packet.pts, packet.duration = encoded.pts, duration
    packet.is_keyframe = encoded.key
    return packet


def _decode_runs(spans: Sequence[CodedSpan]) -> list[tuple[int, int]]:
    """Stretches of packets to decode; overlapping ones are one stretch."""
    runs: list[tuple[int, int]] = []
    for span in spans:
        if runs and span.decode_from < runs[-1][1]:
            runs[-1] = (runs[-1][0], span.decode_until)
        else:
            runs.append((span.decode_from, span.decode_until))
    return runs
