SELECT assay_now() AS now
