"""Animations as mp4, if ffmpeg is installed.

A video is made from a finished gif and saved next to the units of a study, not in one: whether this machine has ffmpeg,
and which version, must not change the content of a study.
"""

import os
import shutil
import subprocess
import warnings
from pathlib import Path

from patternscope.atomic import is_regular, replaced_file

_ENCODE = (
    *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1"),
    *("-vf", "fps=25,scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p"),
    *("-movflags", "+faststart", "-f", "mp4"),
)


def write_videos(figures: Path) -> list[Path]:
    """Write NAME.mp4 into a folder of figures for each animation NAME/NAME.gif in it; return those written.

    A video gets the time of its gif, which shows, independently of the clock, that it is up to date; without ffmpeg on
    the path, nothing is done. The same gif and ffmpeg give the same bytes. Warns when ffmpeg fails, in one line.
    """
    ffmpeg = shutil.which("ffmpeg")
    written = []
    for gif in sorted(filter(is_regular, figures.glob("*/*.gif"))) if ffmpeg else []:
        video = figures / f"{gif.stem}.mp4"
        made = gif.stat().st_mtime_ns
        if video.exists() and video.stat().st_mtime_ns == made:
            continue
        try:
            with replaced_file(video) as partial:
                _encode(str(ffmpeg), gif, partial)
                os.utime(partial, ns=(made, made))
        except ChildProcessError as error:
            warnings.warn(f"{video.name} was not made: ffmpeg: {error}", stacklevel=2)
            continue
        written.append(video)
    return written


def _encode(ffmpeg: str, gif: Path, video: Path) -> None:
    """Make a video of an animation; ChildProcessError with the last line of ffmpeg's output if it fails."""
    command = [ffmpeg, "-y", "-loglevel", "error", "-i", str(gif), *_ENCODE, str(video)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildProcessError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
