//go:build !man

package main

import "github.com/spf13/cobra"

// documentationCommands are none in the sensor itself.
func documentationCommands() []*cobra.Command { return nil }
