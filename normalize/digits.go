package normalize

import (
	"encoding/binary"
	"math/bits"
)

// Digits are read eight at a time: a word has a byte of the text in each of its own, the
// first in the lowest, and what is done to the word is done to all of them at once.
const (
	ones  = 0x0101010101010101
	tops  = 0x80 * ones // of each byte the top bit
	zeros = '0' * ones
	word  = 8 // bytes
)

// eightDigits is the number that the first eight bytes of text stand for, of which
// it has at least so many; false where one of them is no digit.
func eightDigits(text []byte) (n uint32, ok bool) {
	digits := binary.LittleEndian.Uint64(text)
	// A byte above '9' gets the top bit by the addition, one below '0' by the
	// subtraction, one with the top bit has it in the word.
	if (digits|(digits+(0x7f-'9')*ones)|(digits-zeros))&tops != 0 {
		return 0, false
	}
	return uint32(decimalValue(digits - zeros)), true
}

// decimalValue is the number of eight digits that have their values. Each step joins two
// neighbours into a number of twice the digits.
func decimalValue(digits uint64) uint64 {
	digits = (digits*10 + digits>>8) & 0x00ff00ff00ff00ff
	digits = (digits*100 + digits>>16) & 0x0000ffff0000ffff
	return (digits*10000 + digits>>32) & 0xffffffff
}

// fewDigits reads a number of up to seven decimal digits with which a word begins; length
// is how many there are, eight where it is not read.
func fewDigits(text uint64) (n uint64, length int) {
	digits := text ^ zeros
	// What is no digit has more than 9 now. Where a sum carries into the next byte, its
	// own is none.
	length = bits.TrailingZeros64((digits+(0x7f-9)*ones|digits)&tops) / word
	return decimalValue(digits << ((64 - word*length) & 63)), length
}

// allDigits reads the decimal digits with which a text begins; length is how many there
// are. From 19 on the number may not fit.
func allDigits(text []byte) (n uint64, length int) {
	for length < len(text) && text[length]-'0' <= 9 {
		n = n*10 + uint64(text[length]-'0')
		length++
	}
	return n, length
}

// hexDigits says that the first bytes of a text are hexadecimal digits of either case;
// count is how many, a multiple of eight that it has at least.
func hexDigits(text []byte, count int) bool {
	for text = text[:count]; len(text) >= word; text = text[word:] {
		if others(binary.LittleEndian.Uint64(text)) != 0 {
			return false
		}
	}
	return true
}

// others has the top bit of each byte of a word that is no hexadecimal digit. It is exact
// up to the first one.
func others(digits uint64) uint64 {
	const atLeast = 0x80 // what is added to, so that the top bit says whether it is
	letters := digits | 0x20*ones
	decimal := (digits + (atLeast-'0')*ones) &^ (digits + (atLeast-'9'-1)*ones)
	letter := (letters + (atLeast-'a')*ones) &^ (letters + (atLeast-'f'-1)*ones)
	return (^(decimal | letter) | digits) & tops
}

// hexValue is the number of eight hexadecimal digits.
func hexValue(digits uint64) uint32 {
	digits = digits&(0xf*ones) + 9*(digits>>6&ones) // letters have that bit
	digits = (digits<<4 | digits>>8) & 0x00ff00ff00ff00ff
	digits = (digits<<8 | digits>>16) & 0x0000ffff0000ffff
	return uint32(digits<<16 | digits>>32)
}
