// Package snapshot is what the exported functions call: the SDK puts its own there.
package snapshot

import (
	"hive-guest/internal/bindings/hive_node_snapshot"
	"hive-guest/internal/wit/types"
)

// The SDK's functions.
var (
	Save    func() types.Result[[]uint8, string]
	Restore func(hive_node_snapshot.Saved) types.Result[types.Unit, string]
)
