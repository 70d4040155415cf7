"""Why a trial or a training did not finish, in one line; the traceback goes to the log."""


def in_a_line(error: BaseException) -> str:
    """What an error says: its first line, and its last where it has more; libraries put the cause there."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    said = lines[0] + (f" … {lines[-1]}" if len(lines) > 1 else "")
    return said if type(error).__module__.startswith("pipelines.") else f"{type(error).__name__}: {said}"
