"""Ctrl-C in a long call."""
import os
import signal
import threading
import time

import pytest


def interrupted(call, after):
    """Calls, sends SIGINT `after` seconds later, wants KeyboardInterrupt; the processor seconds that it took to come."""
    sent = []

    def interrupt():
        time.sleep(after)
        sent.append(time.process_time())  # of this process, whatever else the machine does
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        call()
    took = time.process_time() - sent[0]
    thread.join()
    return took
