"""Speed of inrc and its peers in turns, with the bytes at equal PSNR and the memory of ours."""
