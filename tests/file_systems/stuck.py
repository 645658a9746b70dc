"""A mount whose server is gone: a file system in user space that answers its greeting and nothing else.

stuck.py DIRECTORY RELEASE PROGRAM ARGS...: mounts it on DIRECTORY and runs the program, until a file RELEASE is there, or
its directory is gone. It needs a mount namespace of its own (unshare -rm).
"""

import ctypes
import os
import struct
import subprocess
import sys
import threading
import time

directory, release, program = sys.argv[1], sys.argv[2], sys.argv[3:]
device = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
if libc.mount(b"stuck", directory.encode(), b"fuse.stuck", 0, options) != 0:
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")


def serve():
    while True:
        request = os.read(device, 1 << 20)
        _, opcode, unique = struct.unpack_from("<IIQ", request)
        if opcode == 26:  # FUSE_INIT
            answer = struct.pack("<IIIIHHIIHH", 7, 31, 0, 0, 0, 0, 4096, 0, 0, 0) + bytes(32)
            os.write(device, struct.pack("<IiQ", 16 + len(answer), 0, unique) + answer)


threading.Thread(target=serve, daemon=True).start()
child = subprocess.Popen(program)
while os.path.isdir(os.path.dirname(release)) and not os.path.exists(release) and child.poll() is None:
    time.sleep(0.01)
os._exit(0)  # The device is closed with it, and whoever waits for an answer gets an error.
