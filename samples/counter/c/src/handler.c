/* A counter that remembers: HIVE_SINGLE keeps one instance a node, one call at a time, so that ordinary variables live from
 * event to event. A new version takes the total over from the one before (`save`, `restore`); it begins at 0 again when the
 * node does.
 *
 *     hive-node publish counter/add      one more
 *     hive-node publish counter/add 5    five more
 *     hive-node call counter/total       answers 6
 *     hive-node subscribe counter/changed counter/report
 *
 * Every ten seconds it says what it has counted, whether that changed or not.
 */
#include <hive.h>

/* Whole numbers up to here are exact in JSON. */
#define MOST 9007199254740991.0

static double total;

static hive_outcome add(const hive_event *event) {
  double amount = 1;
  if (event->payload.len && !hive_json_number(event->payload, NULL, &amount)) return hive_reject("expected a number");
  if (amount != (double)(int64_t)amount) return hive_reject("expected a whole number");
  if (total + amount > MOST || total + amount < -MOST) return hive_reject("that is more than can be counted");
  total += amount;
  return hive_publish_json("counter/changed", "%.0f", total) ? HIVE_DONE : hive_failed();
}

static hive_outcome say(const hive_event *event) { return hive_reply_json("%.0f", total), HIVE_DONE; }

static hive_outcome report(const hive_event *event) {
  return hive_publish_json("counter/report", "%.0f", total) ? HIVE_DONE : hive_failed();
}

static hive_outcome save(void) { return hive_reply_json("%.0f", total), HIVE_DONE; }

static hive_outcome restore(hive_bytes saved, hive_bytes version) {
  if (hive_json_number(saved, NULL, &total)) return HIVE_DONE;
  return hive_reject("version %.*s saved no number", (int)version.len, version.ptr);
}

void hive_plugin(void) {
  hive_instances(HIVE_SINGLE);
  hive_snapshot(save, restore);
  hive_on("counter/add", add);
  hive_answer("counter/total", say);
  hive_tick("report", "@every 10s", report);
  hive_publishes("counter/changed");
  hive_publishes("counter/report");
}
