// Package version holds the version of this build.
package version

// Version is the version that the program reports. It is a variable and no
// constant because the linker sets it: make passes the VERSION file or the git
// tag with -X. Nothing assigns to it at run time; a build without make keeps
// this value.
var Version = "0.1.0-dev" //nolint:gochecknoglobals // the linker can set variables only
