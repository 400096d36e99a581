#ifdef NODEZERO_MISUSE
unknown misuse;
#endif
