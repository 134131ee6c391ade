// Package startup is what the exported function calls: the SDK puts its own there.
package startup

import "hive-guest/internal/wit/types"

// Start is the SDK's function.
var Start func() types.Result[types.Unit, string]
