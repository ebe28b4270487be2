// Package rules holds the rule files that the product ships, embedded so that a
// host without any installed file is watched all the same.
package rules

import (
	"embed"
	"io/fs"
)

//go:embed *.toml
var files embed.FS

// FS returns the shipped rule files, all in its root directory.
func FS() fs.FS { return files }
