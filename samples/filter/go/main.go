// A filter that transforms: it listens to every sensor and lets only what is too high through, as an alert.
//
//	hive-node subscribe 'alert/*'
//	hive-node publish sensor/attic/reading '{"celsius": 21}'   nothing happens
//	hive-node publish sensor/attic/reading '{"celsius": 41}'   an alert on alert/attic
//	hive-node publish sensor/attic/reading '{"celsius": -500}' a dead letter: no thermometer shows that
//
// What is too high is the plugin's configuration value `limit`; 30 if there is none.
package main

import (
	"fmt"

	hive "hive-guest"
)

type reading struct {
	// nil where it is missing: that is not 0 °C.
	Celsius *float64 `json:"celsius"`
}

type alert struct {
	Sensor  string  `json:"sensor"`
	Celsius float64 `json:"celsius"`
	Limit   float64 `json:"limit"`
}

const absoluteZero = -273.15

func init() {
	hive.Plugin(hive.Options{Version: "0.1.0", Publishes: []string{"alert/*"}})
	hive.On("sensor/*/reading", check)
}

func check(ctx *hive.Context, reading reading) error {
	if reading.Celsius == nil {
		return hive.Rejectf("there is no `celsius`")
	}
	celsius := *reading.Celsius
	if celsius < absoluteZero {
		return hive.Rejectf("%g °C is colder than anything can be", celsius)
	}
	limit, err := hive.ConfigOr("limit", 30.0)
	if err != nil || celsius <= limit {
		return err
	}
	sensor := ctx.Segment(1)
	hive.Info(fmt.Sprintf("%g °C is above %g °C", celsius, limit), "sensor", sensor)
	_, err = hive.Publish("alert/"+sensor, alert{sensor, celsius, limit})
	return err
}

func main() {}
