// Package stricttoml reads TOML that a person wrote into Go structs and says
// everything that is wrong with it, each defect with its file, line and column.
//
// The text is parsed by github.com/BurntSushi/toml. That package stops at the
// first value of a wrong type, which one it is depends on map order, and it
// names unknown keys without their place. So the parsed values are put into the
// struct here, side by side with an index of where each key stands.
package stricttoml
