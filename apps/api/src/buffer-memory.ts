import { setFlagsFromString } from "node:v8";

/**
 * V8 collects the whole heap each time some tens of MB of buffers have passed, whatever the heap holds: with the 100 MB of a running API that
 * was more than half of the processor time of a stream (4.9 ms a MB instead of 1.2, measured). With this, buffers count as a part of the
 * heap, whose limit grows with what lives in it; the peak stayed the same. Imported before everything else.
 */
setFlagsFromString("--external-memory-accounted-in-global-limit");
