//go:build !amd64

package main

import "fmt"

func int80Setsid(string) error {
	return fmt.Errorf("%w: int 0x80 is of x86-64", errNoSuchWay)
}

func x32Setsid(string) error {
	return fmt.Errorf("%w: x32 is of x86-64", errNoSuchWay)
}
