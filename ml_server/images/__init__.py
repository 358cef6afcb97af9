"""From whatever comes as a picture to a network's input. Bytes, pixels, frames are bounded before decoding."""
