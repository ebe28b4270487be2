package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"tripline/internal/version"
)

func versionCommand(std streams) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if !asJSON && std.terminal {
				_, err := fmt.Fprintf(std.out, "tripline %s (%s/%s, %s)\n", version.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
				return err
			}
			return json.NewEncoder(std.out).Encode(map[string]string{
				"version": version.Version, "os": runtime.GOOS, "arch": runtime.GOARCH, "go": runtime.Version(),
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	return command
}
