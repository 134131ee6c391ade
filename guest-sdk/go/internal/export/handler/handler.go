// Package handler is what the exported functions call: the SDK puts its own there.
package handler

import (
	"hive-guest/internal/bindings/hive_node_handler"
	"hive-guest/internal/bindings/hive_node_types"
	"hive-guest/internal/wit/types"
)

// What the exported functions return.
type (
	Description = hive_node_handler.Description
	Handled     = types.Result[types.Option[hive_node_types.Message], hive_node_handler.Failure]
)

// The SDK's functions.
var (
	Describe func() Description
	Handle   func(hive_node_types.Event) Handled
)
