// Package termtext lays text out in the columns of a terminal: how wide characters
// are, shortening, filling, breaking into lines.
package termtext
