// Loaded before a process of a test: its wall clock is wrong by BUCKETBRIDGE_TEST_CLOCK_SHIFT_MS.
const shiftMs = Number(process.env.BUCKETBRIDGE_TEST_CLOCK_SHIFT_MS ?? "0");
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shiftMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
};
