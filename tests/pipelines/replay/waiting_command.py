"""A command that starts a process and waits for it; says the ids of both."""

import os
import subprocess

if __name__ == "__main__":
    process = subprocess.Popen(["sleep", "600"])
    print("started", os.getpid(), process.pid, flush=True)
    process.wait()
