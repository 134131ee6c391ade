// A counter that remembers: Single keeps one instance a node, one call at a time, so that ordinary variables live from event
// to event. A new version takes the total over from the one before (Snapshot); it begins at 0 again when the node does.
//
//	hive-node publish counter/add      one more
//	hive-node publish counter/add 5    five more
//	hive-node call counter/total       answers 6
//	hive-node subscribe counter/changed counter/report
//
// Every ten seconds it says what it has counted, whether that changed or not.
package main

import hive "hive-guest"

var total int64

func init() {
	hive.Plugin(hive.Options{
		Version:   "0.1.0",
		Instances: hive.Single,
		Publishes: []string{"counter/changed", "counter/report"},
	})
	hive.On("counter/add", add)
	hive.Answer("counter/total", func(*hive.Context, hive.Message) (int64, error) { return total, nil })
	hive.Tick("report", "@every 10s", func(*hive.Context) error {
		_, err := hive.Publish("counter/report", total)
		return err
	})
	hive.Snapshot(func() (int64, error) { return total, nil }, func(saved int64, _ string) error {
		total = saved
		return nil
	})
}

func add(_ *hive.Context, amount *int64) error {
	sum := total + 1
	if amount != nil {
		sum = total + *amount
		if (sum > total) != (*amount > 0) && *amount != 0 {
			return hive.Rejectf("that is more than can be counted")
		}
	}
	total = sum
	_, err := hive.Publish("counter/changed", total)
	return err
}

func main() {}
