/* A filter that transforms: it listens to every sensor and lets only what is too high through, as an alert.
 *
 *     hive-node subscribe 'alert/' followed by a star
 *     hive-node publish sensor/attic/reading '{"celsius": 21}'   nothing happens
 *     hive-node publish sensor/attic/reading '{"celsius": 41}'   an alert on alert/attic
 *     hive-node publish sensor/attic/reading '{"celsius": -500}' a dead letter: no thermometer shows that
 *
 * What is too high is the plugin's configuration value `limit`; 30 if there is none.
 */
#include <hive.h>
#include <stdio.h>

static hive_outcome check(const hive_event *event) {
  double celsius, limit = hive_config_number("limit", 30);
  char sensor[65], channel[80], quoted[150];
  if (!hive_json_number(event->payload, "celsius", &celsius)) return hive_reject("%s", hive_error());
  if (celsius < -273.15) return hive_reject("%g °C is colder than anything can be", celsius);
  if (celsius <= limit) return HIVE_DONE;
  if (!hive_segment(event, 1, sensor, sizeof sensor)) return hive_reject("no sensor in the channel");
  hive_log(HIVE_INFO, "%g °C is above %g °C", celsius, limit);
  snprintf(channel, sizeof channel, "alert/%s", sensor);
  if (!hive_publish_json(channel, "{\"sensor\": %s, \"celsius\": %.17g, \"limit\": %.17g}",
                         hive_quoted(sensor, quoted, sizeof quoted), celsius, limit))
    return hive_failed();
  return HIVE_DONE;
}

void hive_plugin(void) {
  hive_on("sensor/*/reading", check);
  hive_publishes("alert/*");
}
